/**
 * Writes src/api/schema.d.ts, the types of the server's requests and answers, from openapi.json.
 *
 * The generator works with an older TypeScript than the project, so it runs on its own. The first
 * line of what it wrote names the document it was made from, for the test that compares the two.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PACKAGES = ["openapi-typescript@7.13.0", "typescript@5.9.3"];
const web = fileURLToPath(new URL("..", import.meta.url));
const source = "src/api/openapi.json";
const target = "src/api/schema.d.ts";

const wanted = PACKAGES.flatMap((name) => ["-p", name]);
const run = spawnSync("npx", ["-y", ...wanted, "openapi-typescript", source, "-o", target], {
  cwd: web,
  stdio: "inherit",
});
if (run.error) throw run.error;
if (run.status !== 0) process.exit(run.status ?? 1);

const digest = createHash("sha256")
  .update(readFileSync(`${web}${source}`))
  .digest("hex");
const types = readFileSync(`${web}${target}`, "utf8");
writeFileSync(`${web}${target}`, `// sha256 of openapi.json: ${digest}\n${types}`);
