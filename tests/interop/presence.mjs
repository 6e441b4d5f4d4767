/** One person moves the cursor; everybody must hear of it, and nobody twice. */
import { Person, scenario, until } from "./people.mjs";

await scenario(async ({ url, flow, cookies }) => {
  const people = cookies.map((cookie, n) => new Person({ url, flow, cookie, name: `p${n}` }));
  await Promise.all(people.map((person) => person.joined()));
  const everybody = (count) => people.every((p) => p.awareness.getStates().size === count);
  people.forEach((person) => person.awareness.setLocalStateField("cursor", { x: 0, y: 0 }));
  await until(() => everybody(people.length));
  const seen = (x) =>
    people.every((p) => p.awareness.getStates().get(people[0].doc.clientID)?.cursor.x === x);

  const moves = 10;
  await settled(people);
  const before = people.map((person) => person.counts.awareness);
  for (let x = 1; x <= moves; x++) {
    people[0].awareness.setLocalStateField("cursor", { x, y: 0 });
    await until(() => seen(x));
  }
  await settled(people);
  const heard = people.map((person, n) => person.counts.awareness - before[n]);
  return { heard, moves };
});

/** Waits until what the clients repeated of each other has been through the server. */
async function settled(people) {
  await Promise.all(people.map((person) => person.stored()));
  await Promise.all(people.map((person) => person.stored()));
}
