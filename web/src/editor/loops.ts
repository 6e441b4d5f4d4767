/** What goes in a circle can go round in a loop: the check knows how, and the canvas shows it. */
import { api } from "@/api/client";
import type { CheckResult, Fix } from "@/api/types";
import { wrappingOf } from "@/canvas/debug/LoopPreview";
import { useCanvas } from "@/canvas/state";
import type { Patch } from "@/flow/patch";
import { read } from "@/flow/read";
import { plain } from "@/flow/schema";
import { current, multipleOf, notices } from "@/flow/session";
import type { EdgeEnds } from "@/flow/types";
import { edgeId } from "@/flow/types";

/** Shows what a fix would put into a container; false when it does no such thing. */
export function previewFix(fix: Fix, title: string): boolean {
  const patch = fix.patch as unknown as Patch;
  const wrapping = wrappingOf(patch.ops);
  if (!wrapping) return false;
  useCanvas.setState({ preview: { ...wrapping, patch, title } });
  return true;
}

/** Asks how the circle that an edge closes would be a loop, and shows it. */
export async function offerLoop(edge: EdgeEnds, title: string): Promise<void> {
  const session = current();
  if (!session) return;
  const { flow } = read(plain(session.doc), multipleOf(session.specs));
  const others = flow.edges.filter((each) => edgeId(each) !== edgeId(edge));
  try {
    const body = { flow: { ...flow, edges: [...others, edge] } };
    const { problems } = await api.post<CheckResult>("/check", body);
    const fix = problems
      .flatMap((problem) => problem.fixes ?? [])
      .find(({ code }) => code === "fix.convert_to_loop");
    const patch = fix && withoutMissing(fix, edge, session.roots.edges.has(edgeId(edge)));
    if (patch && previewFix(patch, title)) return;
  } catch {
    // Without an answer it is as if there were no way.
  }
  notices.emit({ key: "noLoop", kind: "warning" });
}

/** The fix takes away the edge that closes the circle; one that was never drawn is not there. */
function withoutMissing(fix: Fix, edge: EdgeEnds, drawn: boolean): Fix {
  if (drawn) return fix;
  const ops = fix.patch.ops.filter(
    (op) => op.op !== "remove_edge" || edgeId(op as unknown as EdgeEnds) !== edgeId(edge),
  );
  return { ...fix, patch: { ...fix.patch, ops } };
}
