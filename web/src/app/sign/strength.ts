export const SHORTEST_PASSWORD = 10;

const COMMON = /password|passwort|qwert|abcdef|letmein|welcome|admin|iloveyou|123456|111111|weft/i;

function kinds(password: string): number {
  return [/\p{Ll}/u, /\p{Lu}/u, /\p{N}/u, /[^\p{L}\p{N}]/u, /\p{Lo}/u].filter((kind) =>
    kind.test(password),
  ).length;
}

/** How hard a password is to guess: 0 too short, 1 weak, 2 fair, 3 strong. */
export function strengthOf(password: string): 0 | 1 | 2 | 3 {
  const characters = [...password];
  if (characters.length < SHORTEST_PASSWORD) return 0;
  const distinct = new Set(characters).size;
  if (distinct < 6 || COMMON.test(password)) return 1;
  const score = distinct + kinds(password) * 2 + Math.max(0, characters.length - 12);
  if (score >= 20) return 3;
  return score >= 13 ? 2 : 1;
}
