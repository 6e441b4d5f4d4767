import classes from "./Avatar.module.css";

interface AvatarProps {
  name: string;
  color?: string | undefined;
  size?: number;
}

const CJK = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/u;

/** One or two letters that stand for a name: the first character in Chinese, initials elsewhere. */
export function initialsOf(name: string): string {
  const trimmed = name.trim();
  const first = [...trimmed][0] ?? "?";
  if (CJK.test(first)) return first;
  const words = trimmed.split(/\s+/);
  if (words.length === 1) return [...trimmed].slice(0, 2).join("");
  return `${first}${[...(words.at(-1) ?? "")][0] ?? ""}`.toUpperCase();
}

/** A person as a coloured disc. */
export function Avatar({ name, color = "#4a56d2", size = 26 }: AvatarProps) {
  return (
    <span
      className={classes.avatar}
      style={{ width: size, height: size, background: color, fontSize: size * 0.42 }}
      aria-hidden="true"
    >
      {initialsOf(name)}
    </span>
  );
}
