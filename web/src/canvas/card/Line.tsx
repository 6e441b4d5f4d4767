import { Second, type SecondProps } from "./CardText";
import { Why } from "./Why";

/** What the node does, or what went wrong: either way the card stays as high as it is. */
export function Line(props: SecondProps) {
  const { failure } = props.run;
  if (props.state === "failed" && failure) return <Why id={props.node.id} failure={failure} />;
  return <Second {...props} />;
}
