/** Several clients edit one flow at random, leave and come back; all must end with the same document. */
import * as Y from "yjs";
import { chance, Person, scenario, until } from "./people.mjs";

const TYPES = ["file.read_csv", "data.filter", "text.template", "control.merge"];

await scenario(async ({ url, flow, cookies, seed, steps }) => {
  const dice = chance(seed);
  const people = cookies.map((cookie, n) => new Person({ url, flow, cookie, name: `p${n}` }));
  await Promise.all(people.map((person) => person.joined()));
  const undos = people.map(
    (p) => new Y.UndoManager([p.nodes, p.edges], { captureTimeout: 0, doc: p.doc }),
  );
  for (let step = 0; step < steps; step++) {
    const n = dice.below(people.length);
    edit(people[n], undos[n], dice, step);
    if (dice.maybe(0.02)) breakOff(people[dice.below(people.length)], dice);
    if (dice.maybe(0.15)) await new Promise((resolve) => setImmediate(resolve));
    if (dice.maybe(0.05)) await comesBack(people[n]);
  }
  people.forEach((person) => person.provider.connect());
  await Promise.all(people.map((person) => person.joined()));
  await Promise.all(people.map((person) => person.stored()));
  const same = () => people.every((person) => person.text() === people[0].text());
  await until(same, "everybody has the same document");
  const late = await new Person({ url, flow, cookie: cookies[0], name: "late" }).joined();
  await until(() => late.text() === people[0].text(), "a late joiner has it too");
  return { plain: people[0].plain(), codes: people.flatMap((person) => person.codes) };
});

function edit(person, undo, dice, step) {
  const id = `n${dice.below(12)}`;
  const node = person.nodes.get(id);
  const map = (key) => (node instanceof Y.Map && node.get(key) instanceof Y.Map ? node.get(key) : null);
  const kind = dice.below(12);
  if (kind < 3 || !node) {
    person.addNode(id, dice.pick(TYPES), { position: { x: step, y: 0 } });
  } else if (kind < 5) {
    map("settings")?.set(dice.pick(["a", "b"]), dice.pick([step, 0.5, "é😀", null, [1, { k: true }]]));
  } else if (kind === 5) {
    const texts = map("texts");
    if (texts && !texts.has("code")) texts.set("code", new Y.Text("x"));
    const code = texts?.get("code");
    if (code) code.insert(border(code, dice), dice.pick(["a", "é", "😀", "line\n"]));
  } else if (kind === 6) {
    const code = map("texts")?.get("code");
    const [from, to] = [border(code, dice), border(code, dice)].sort((a, b) => a - b);
    if (to > from) code.delete(from, to - from);
  } else if (kind === 7) {
    person.doc.transact(() => {
      person.nodes.delete(id);
      for (const key of person.edges.keys()) {
        if (key.startsWith(`${id}.`) || key.includes(`>${id}.`)) person.edges.delete(key);
      }
    });
  } else if (kind === 8) {
    person.addEdge(id, "rows", `n${dice.below(12)}`, "rows");
  } else if (kind === 9) {
    node.set("position", { x: step, y: dice.below(100) });
  } else if (kind === 10) {
    undo.undo();
  } else {
    undo.redo();
  }
}

/** A place between two characters, never inside one: no keyboard gets there. */
function border(text, dice) {
  const characters = Array.from(text?.toString() ?? "");
  return characters.slice(0, dice.below(characters.length + 1)).join("").length;
}

function breakOff(person, dice) {
  if (dice.maybe(0.5)) person.provider.ws?.terminate?.();
  else person.provider.disconnect();
  if (dice.maybe(0.8)) setTimeout(() => person.provider.connect(), dice.below(30));
}

async function comesBack(person) {
  if (person.provider.shouldConnect) await person.joined();
}
