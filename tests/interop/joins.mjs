/** Somebody else's client joins, edits, sees others, and comes back after a break. */
import { Person, scenario, until } from "./people.mjs";
import * as Y from "yjs";

await scenario(async ({ url, flow, ada, eda }) => {
  const a = await new Person({ url, flow, cookie: ada, name: "a" }).joined();
  const b = await new Person({ url, flow, cookie: eda, name: "b" }).joined();

  a.addNode("read", "file.read_csv", { position: { x: 0, y: 0 } });
  await until(() => b.nodes.has("read"));
  b.addNode("keep", "data.filter");
  b.addEdge("read", "rows", "keep", "rows");
  b.nodes.get("read").get("settings").set("path", "a.csv");
  b.nodes.get("keep").get("texts").set("note", new Y.Text("héllo 😀"));
  await until(() => a.nodes.get("keep")?.get("texts").has("note"));
  a.nodes.get("keep").get("texts").get("note").insert(5, ", wörld");
  await until(() => a.text() === b.text());

  a.awareness.setLocalStateField("cursor", { x: 1, y: 2 });
  a.awareness.setLocalStateField("user", { name: "Somebody else", color: "#000" });
  b.awareness.setLocalStateField("selection", ["read"]);
  await until(() => b.people().includes("Ada"));
  const c = await new Person({ url, flow, cookie: ada, name: "c" }).joined();
  await until(() => c.people().length === 2);
  const people = c.people();

  b.provider.disconnect();
  await until(() => b.codes.length > 0);
  b.nodes.get("keep").set("name", "Offline");
  a.nodes.get("keep").set("disabled", true);
  b.provider.connect();
  await until(() => b.provider.synced && a.text() === b.text() && b.text() === c.text());
  await Promise.all([a.stored(), b.stored()]);

  const sees = () => a.awareness.getStates().has(c.doc.clientID);
  c.awareness.setLocalStateField("cursor", { x: 5, y: 6 });
  await until(sees);
  const left = Date.now();
  c.leave();
  await until(() => !sees());
  const ghostMs = Date.now() - left;
  return { plain: a.plain(), people, ghostMs };
});
