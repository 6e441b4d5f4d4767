import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { type ErrorText, inOneLine } from "./errorText";
import classes from "./notify.module.css";

interface Action {
  label: string;
  run: () => void;
}

interface Note {
  title?: string;
  text?: string;
  action?: Action;
  /** Milliseconds; false keeps it until it is closed. */
  stay?: number | false;
  onClose?: () => void;
}

function Body({ note, id }: { note: Note; id: string }) {
  const { action } = note;
  return (
    <span className={classes.body}>
      <span>{note.text}</span>
      {action && (
        <Button
          size="compact-sm"
          onClick={() => {
            action.run();
            notifications.hide(id);
          }}
        >
          {action.label}
        </Button>
      )}
    </span>
  );
}

function show(tone: "info" | "error" | "good", note: Note): string {
  const id = crypto.randomUUID?.() ?? String(performance.now());
  return notifications.show({
    id,
    title: note.title,
    message: <Body note={note} id={id} />,
    autoClose: note.stay ?? (tone === "error" ? 9000 : 5000),
    color: tone === "error" ? "red" : tone === "good" ? "green" : "indigo",
    ...(note.onClose && { onClose: note.onClose }),
    role: tone === "error" ? "alert" : "status",
  });
}

/** Short messages in the corner of the page. */
export const notify = {
  info: (note: Note) => show("info", note),
  good: (note: Note) => show("good", note),
  error: (note: Note) => show("error", note),
  problem: (text: ErrorText, title?: string) =>
    show(
      "error",
      title ? { title, text: inOneLine(text) } : { title: text.message, text: text.hint },
    ),
  hide: (id: string) => notifications.hide(id),
};
