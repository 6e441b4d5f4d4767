/** A viewer sees everything and changes nothing, also after coming back with edits made offline. */
import { Person, scenario, until } from "./people.mjs";

await scenario(async ({ url, flow, ada, vera }) => {
  const a = await new Person({ url, flow, cookie: ada, name: "a" }).joined();
  a.addNode("read", "file.read_csv");
  const v = await new Person({ url, flow, cookie: vera, name: "v" }).joined();
  await until(() => v.nodes.has("read"));

  v.awareness.setLocalStateField("cursor", { x: 3, y: 4 });
  await until(() => a.people().includes("Vera"));

  v.nodes.set("hack", 1);
  v.nodes.get("read").set("name", "Hacked");
  v.provider.disconnect();
  await until(() => v.codes.length > 0);
  v.nodes.delete("read");
  v.provider.connect();
  await v.joined();
  const mark = v.stored();
  await until(() => v.refused.length > 0);
  await a.stored();
  const saved = await Promise.race([mark.then(() => true), a.stored().then(() => false)]);
  return { nodes: a.plain().nodes, refused: v.refused[0], saved };
});
