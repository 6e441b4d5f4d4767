import type { Json } from "@/api/types";
import classes from "./TextView.module.css";

const LONGEST = 200_000;

/** Text as it is; several texts one under the other. */
export function TextView({ value }: { value: Json }) {
  const texts = Array.isArray(value) ? value.map(String) : [String(value)];
  return (
    <div className={classes.texts} data-testid="output-text">
      {texts.slice(0, 500).map((text, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: texts have no identity
        <pre key={index} className={classes.text} data-several={texts.length > 1 || undefined}>
          {text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}
        </pre>
      ))}
    </div>
  );
}
