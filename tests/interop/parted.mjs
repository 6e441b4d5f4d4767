/** An edit in the middle of an emoji is refused; nobody else ever sees what would break them. */
import * as Y from "yjs";
import { Person, scenario, until } from "./people.mjs";

await scenario(async ({ url, flow, ada, eda, edit }) => {
  const a = await new Person({ url, flow, cookie: ada, name: "a" }).joined();
  const b = await new Person({ url, flow, cookie: eda, name: "b" }).joined();
  a.addNode("n", "text.template");
  a.nodes.get("n").get("texts").set("code", new Y.Text("ab😀cd"));
  await until(() => b.nodes.get("n")?.get("texts").has("code"));
  const code = b.nodes.get("n").get("texts").get("code");
  if (edit === "insert") code.insert(3, "X");
  if (edit === "delete") code.delete(1, 2);
  if (edit === "delete after") code.delete(3, 2);
  await until(() => b.codes.length > 0);
  a.nodes.get("n").get("texts").get("code").insert(0, "Q");
  await a.stored();
  const late = await new Person({ url, flow, cookie: eda, name: "late" }).joined();
  return { codes: b.codes, text: late.nodes.get("n").get("texts").get("code").toString() };
});
