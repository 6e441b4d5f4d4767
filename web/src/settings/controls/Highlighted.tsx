import { type RefObject, type TextareaHTMLAttributes, useMemo } from "react";
import classes from "../Form.module.css";
import type { Piece } from "../highlight";

interface HighlightedProps extends TextareaHTMLAttributes<HTMLTextAreaElement> {
  value: string;
  pieces: (text: string) => Piece[];
  invalid: boolean;
  area: RefObject<HTMLTextAreaElement | null>;
  lines?: number;
}

/** A text area that grows with its text and lies over a coloured copy of it. */
export function Highlighted(props: HighlightedProps) {
  const { value, pieces, invalid, area, lines = 1, ...rest } = props;
  const cut = useMemo(() => pieces(value), [pieces, value]);
  return (
    <div className={classes.highlighted} data-invalid={invalid || undefined}>
      <pre aria-hidden="true" className={classes.layer}>
        {cut.map((piece, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no identity
          <span key={index} data-piece={piece.kind}>
            {piece.text}
          </span>
        ))}
        {"\u200b"}
      </pre>
      <textarea
        ref={area}
        className={classes.layerInput}
        rows={lines}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        autoCorrect="off"
        aria-invalid={invalid || undefined}
        value={value}
        {...rest}
      />
    </div>
  );
}
