import { useLayoutEffect, useRef } from "react";
import type { ShapedProps } from "../Control";
import { useForm } from "../context";
import { type Piece, templatePieces } from "../highlight";
import { useLiveText } from "../liveText";
import { placeholderOf } from "../placeholder";
import { Highlighted } from "./Highlighted";

const PLAIN = (text: string): Piece[] => [{ kind: "plain", text }];

/** Several lines: prose, code or a template. Others may type in it at the same time. */
export function LongTextControl(props: ShapedProps) {
  const { path, shape, value, onChange, label, invalid = false } = props;
  const { readOnly, texts } = useForm();
  const area = useRef<HTMLTextAreaElement>(null);
  const shared = path.length === 1 ? texts[String(path[0])] : undefined;
  const live = useLiveText({
    value: typeof value === "string" ? value : "",
    shared,
    area,
    onChange: (text) => onChange(text),
  });
  useLayoutEffect(live.restoreCaret);
  return (
    <Highlighted
      area={area}
      value={live.text}
      pieces={shape.kind === "template" ? templatePieces : PLAIN}
      invalid={invalid}
      lines={shape.kind === "code" ? 6 : 3}
      aria-label={label}
      data-prose={shape.kind === "textarea" || undefined}
      readOnly={readOnly}
      placeholder={placeholderOf(shape)}
      onChange={(event) => live.type(event.currentTarget.value)}
    />
  );
}
