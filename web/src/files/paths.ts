/** Paths of files in a workspace: parts set apart by slashes, none at the beginning. */

export function joined(folder: string, name: string): string {
  return folder ? `${folder}/${name}` : name;
}

export function folderOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The folders on the way to one, itself included, each with its path. */
export function crumbsOf(folder: string): { name: string; path: string }[] {
  const parts = folder.split("/").filter((part) => part !== "");
  return parts.map((name, index) => ({ name, path: parts.slice(0, index + 1).join("/") }));
}

/** A path as somebody typed it, as the server wants it. */
export function cleaned(path: string): string {
  return path
    .split("/")
    .map((part) => part.trim())
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

/** Whether a path stands for several files. */
export function isPattern(path: string): boolean {
  return /[*?[\]]/.test(path);
}

/** The folder to open first for a setting: that of its file, or of its pattern. */
export function startOf(path: string): string {
  const parts = cleaned(path).split("/").slice(0, -1);
  const wild = parts.findIndex(isPattern);
  return (wild < 0 ? parts : parts.slice(0, wild)).join("/");
}

const READERS: Record<string, string> = {
  csv: "file.read_csv",
  tsv: "file.read_csv",
  json: "file.read_json",
  jsonl: "file.read_json",
  ndjson: "file.read_json",
  txt: "file.read_text",
  md: "file.read_text",
  markdown: "file.read_text",
};

/** The type of node that reads a file, by the ending of its name. */
export function readerOf(name: string): string | undefined {
  return READERS[(/\.([a-z]+)$/i.exec(name)?.[1] ?? "").toLowerCase()];
}
