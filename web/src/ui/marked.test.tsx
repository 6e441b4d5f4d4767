import { render } from "@testing-library/react";
import { expect, it } from "vitest";
import { Marked, quoted, unmarked } from "./marked";

it.each([
  ["nothing to mark", "nothing to mark", "nothing to mark", 0],
  ["compare with `==`, not `=`", "compare with ==, not =", "compare with “==”, not “=”", 2],
  ["one ` alone", "one ` alone", "one ` alone", 0],
])("%s", (text, plain, words, codes) => {
  expect(unmarked(text)).toBe(plain);
  expect(quoted(text)).toBe(words);
  const { container } = render(<Marked text={text} />);
  expect(container.textContent).toBe(plain);
  expect(container.querySelectorAll("code")).toHaveLength(codes);
});
