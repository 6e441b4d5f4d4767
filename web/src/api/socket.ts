import { socketUrl } from "./client";

export interface EventStreamOptions<T> {
  path: string;
  /** Where to resume after a reconnect; asked each time. */
  after?: () => number | undefined;
  onEvent: (event: T) => void;
  /** The stream ended for good: signed out, no access, or nothing there. */
  onRefused?: (code: number) => void;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 8_000;

function isFinal(code: number): boolean {
  return code >= 4400 && code < 4500 && code !== 4429;
}

/** Listens to a JSON event stream, reconnecting with growing pauses until closed. */
export function listen<T>(options: EventStreamOptions<T>): () => void {
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = FIRST_WAIT;
  let closed = false;

  function open(): void {
    const after = options.after?.();
    socket = new WebSocket(socketUrl(options.path, { after }));
    socket.onopen = () => {
      wait = FIRST_WAIT;
    };
    socket.onmessage = (message) => {
      if (typeof message.data === "string") options.onEvent(JSON.parse(message.data) as T);
    };
    socket.onclose = (event) => {
      if (closed) return;
      if (isFinal(event.code)) {
        options.onRefused?.(event.code);
        return;
      }
      timer = setTimeout(open, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    };
  }

  open();
  return () => {
    closed = true;
    clearTimeout(timer);
    socket?.close();
  };
}
