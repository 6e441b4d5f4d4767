import type { Json } from "@/api/types";
import type { ControlProps } from "./context";
import { BooleanControl } from "./controls/BooleanControl";
import { ColumnControl } from "./controls/ColumnControl";
import { EnumControl } from "./controls/EnumControl";
import { ExpressionControl } from "./controls/ExpressionControl";
import { FlowControl } from "./controls/FlowControl";
import { GroupControl } from "./controls/GroupControl";
import { JsonControl } from "./controls/JsonControl";
import { ListControl } from "./controls/ListControl";
import { LongTextControl } from "./controls/LongTextControl";
import { MapControl } from "./controls/MapControl";
import { NumberControl } from "./controls/NumberControl";
import { PathControl } from "./controls/PathControl";
import { RowsControl } from "./controls/RowsControl";
import { TextControl } from "./controls/TextControl";
import type { Shape } from "./schema";

export interface ShapedProps extends ControlProps<Json> {
  shape: Shape;
  /** Part of a row: less room, no suggestions below. */
  compact?: boolean;
}

const CONTROLS: Record<Shape["kind"], (props: ShapedProps) => React.ReactNode> = {
  text: TextControl,
  password: TextControl,
  path: PathControl,
  flow: FlowControl,
  textarea: LongTextControl,
  code: LongTextControl,
  template: LongTextControl,
  expression: ExpressionControl,
  column: ColumnControl,
  number: NumberControl,
  integer: NumberControl,
  boolean: BooleanControl,
  enum: EnumControl,
  list: ListControl,
  rows: RowsControl,
  map: MapControl,
  group: GroupControl,
  json: JsonControl,
};

/** The control that suits a value's shape. */
export function Control(props: ShapedProps) {
  const Chosen = CONTROLS[props.shape.kind];
  return <Chosen {...props} />;
}
