/** A session without a server, for tests. */
import type * as Y from "yjs";
import { openSession, type Session } from "../session";
import type { Role } from "../types";
import { SPECS } from "./catalogue";

export function openTestSession(options: { role?: Role; doc?: Y.Doc } = {}): Session {
  return openSession({
    flowId: "flw_test",
    user: { id: "usr_1", name: "Ada", color: "#4a56d2" },
    role: options.role ?? "editor",
    specs: SPECS,
    url: null,
    ...(options.doc ? { doc: options.doc } : {}),
  });
}
