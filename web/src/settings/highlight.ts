/** Cuts an expression into pieces to be coloured; together they are the text again. */
export type PieceKind = "field" | "text" | "number" | "word" | "call" | "plain";

export interface Piece {
  kind: PieceKind;
  text: string;
}

const WORDS = new Set([
  "and",
  "or",
  "not",
  "in",
  "is",
  "if",
  "else",
  "for",
  "True",
  "False",
  "None",
  "true",
  "false",
  "null",
]);

const PIECE =
  /((?:item|flow|run|vars)(?:\.[\p{L}_][\p{L}\p{N}_]*|\[(?:"[^"]*"|'[^']*')\])+)|("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)|(\d+(?:\.\d+)?)|([\p{L}_][\p{L}\p{N}_]*)(?=\s*(\()?)/gu;

function kindOf(match: RegExpMatchArray): PieceKind {
  if (match[1]) return "field";
  if (match[2]) return "text";
  if (match[3]) return "number";
  if (WORDS.has(match[4] ?? "")) return "word";
  return match[5] ? "call" : "plain";
}

export function piecesOf(expression: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of expression.matchAll(PIECE)) {
    if (match.index > end) pieces.push({ kind: "plain", text: expression.slice(end, match.index) });
    pieces.push({ kind: kindOf(match), text: match[0] });
    end = match.index + match[0].length;
  }
  if (end < expression.length) pieces.push({ kind: "plain", text: expression.slice(end) });
  return pieces;
}

/** A template: text with expressions in double braces. */
export function templatePieces(template: string): Piece[] {
  return template
    .split(/(\{\{.*?\}\})/s)
    .filter((part) => part !== "")
    .map((part) => ({ kind: part.startsWith("{{") ? "field" : "plain", text: part }));
}

/** How a column is written in an expression. */
export function fieldText(column: string): string {
  return /^[\p{L}_][\p{L}\p{N}_]*$/u.test(column)
    ? `item.${column}`
    : `item[${JSON.stringify(column)}]`;
}

export interface Completion {
  /** Where the word that is completed begins. */
  from: number;
  options: string[];
}

const MOST = 8;

/** What completes the word before the caret: columns, such as `item.am`, and other names. */
export function completionsAt(
  text: string,
  caret: number,
  columns: readonly string[],
  names: readonly string[] = [],
): Completion {
  const before = text.slice(0, caret);
  const match = /(?:^|[^\p{L}\p{N}_."'])([\p{L}_][\p{L}\p{N}_]*(?:\.([\p{L}\p{N}_]*))?)$/u.exec(
    before,
  );
  const word = match?.[1];
  if (!word || inText(before)) return { from: caret, options: [] };
  const [head = ""] = word.split(".");
  const ofItem = head === "item" || (match[2] === undefined && "item".startsWith(head));
  const typed = (match[2] ?? "").toLowerCase();
  const fitting = ofItem ? columns.filter((column) => column.toLowerCase().includes(typed)) : [];
  const others = names.filter((name) => name.toLowerCase().startsWith(word.toLowerCase()));
  const options = [...fitting.map(fieldText), ...others].filter((option) => option !== word);
  return { from: caret - word.length, options: [...new Set(options)].slice(0, MOST) };
}

/** Whether a text that was begun is still open. */
const inText = (before: string): boolean => {
  const last = piecesOf(before).at(-1);
  if (last?.kind !== "text") return false;
  const quote = last.text.charAt(0);
  return last.text.length === 1 || !last.text.endsWith(quote);
};
