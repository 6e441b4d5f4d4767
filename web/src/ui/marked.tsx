/** Texts of the server in which code stands between backticks. */
const CODE = /`([^`]+)`/g;

/** Without the backticks, where there is room for plain text only. */
export const unmarked = (text: string): string => text.replace(CODE, "$1");

/** With quotation marks instead: what is in them may be but a sign. */
export const quoted = (text: string): string => text.replace(CODE, "“$1”");

/** With what is code set as code. */
export function Marked({ text }: { text: string }) {
  return text.split(CODE).map((part, i) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: pieces of a text have no identity
    i % 2 === 1 ? <code key={i}>{part}</code> : part,
  );
}
