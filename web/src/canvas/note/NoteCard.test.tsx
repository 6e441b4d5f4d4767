import { MantineProvider } from "@mantine/core";
import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { ReactFlowProvider } from "@xyflow/react";
import { afterEach, expect, it } from "vitest";
import { addNote, setNoteText } from "@/flow/commands";
import { closeSession } from "@/flow/session";
import { useGraph } from "@/flow/store";
import { openTestSession } from "@/flow/testing/session";
import { Canvas } from "../Canvas";
import { useCanvas } from "../state";
import { movedCaret } from "./NoteCard";

afterEach(closeSession);

it("takes what is typed in the order it is typed, while somebody else types before it", async () => {
  openTestSession();
  const id = addNote({ text: "", position: { x: 0, y: 0 } }) ?? "";
  render(
    <MantineProvider>
      <ReactFlowProvider initialWidth={1200} initialHeight={800}>
        <Canvas />
      </ReactFlowProvider>
    </MantineProvider>,
  );
  act(() => useCanvas.setState({ renaming: id }));
  const field = screen.getByRole("textbox") as HTMLTextAreaElement;
  await userEvent.type(field, "world");
  expect(useGraph.getState().notes[id]?.text).toBe("world");
  act(() => setNoteText(id, "hello world"));
  expect(field.selectionStart).toBe("hello world".length);
  act(() => useCanvas.setState({ renaming: null }));
});

it.each([
  ["ab", "Xab", 1, 2],
  ["ab", "abX", 1, 1],
  ["abc", "c", 3, 1],
  ["abc", "", 2, 0],
])("a caret in %s moves when it becomes %s", (before, after, caret, moved) => {
  expect(movedCaret(before, after, caret)).toBe(moved);
});
