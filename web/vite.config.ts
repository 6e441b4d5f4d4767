import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, URL } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const gzipAsync = promisify(gzip);
const brotliAsync = promisify(brotliCompress);
const COMPRESSIBLE = /\.(js|css|html|svg|json|webmanifest)$/;
const SMALLEST = 1024;

async function compressFile(path: string): Promise<void> {
  const body = await readFile(path);
  if (body.length < SMALLEST) return;
  const quality = body.length > 512 * 1024 ? 9 : 11;
  const params = { [constants.BROTLI_PARAM_QUALITY]: quality };
  await writeFile(`${path}.gz`, await gzipAsync(body, { level: 9 }));
  await writeFile(`${path}.br`, await brotliAsync(body, { params }));
}

/** Writes a .gz and a .br beside every text asset, so that the server never compresses at run time. */
function precompress(): Plugin {
  let outDir = "dist";
  return {
    name: "precompress",
    apply: "build",
    configResolved(config) {
      outDir = config.build.outDir;
    },
    async closeBundle() {
      const root = fileURLToPath(new URL(".", import.meta.url));
      const target = join(outDir.startsWith("/") ? "" : root, outDir);
      const entries = await readdir(target, { recursive: true });
      const files = entries.filter((name) => COMPRESSIBLE.test(name));
      await Promise.all(files.map((name) => compressFile(join(target, name))));
    },
  };
}

const backend = process.env.WEFT_DEV_SERVER ?? "http://127.0.0.1:8900";

export default defineConfig({
  base: "/",
  plugins: [react(), precompress()],
  resolve: {
    alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) },
    dedupe: ["yjs", "react", "react-dom", "lib0"],
  },
  server: {
    proxy: {
      "/api": { target: backend, changeOrigin: false },
      "/ws": { target: backend, ws: true, changeOrigin: false },
    },
  },
  build: {
    target: "es2022",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1600,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "react", test: /node_modules\/(react|react-dom|scheduler)\//, priority: 30 },
            { name: "mantine", test: /node_modules\/(@mantine|@floating-ui)\//, priority: 20 },
            {
              name: "collab",
              test: /node_modules\/(yjs|lib0|y-protocols|y-websocket)\//,
              priority: 20,
            },
            { name: "canvas", test: /node_modules\/(@xyflow|d3-)/, priority: 20 },
          ],
        },
      },
    },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/app/test-setup.ts"],
    restoreMocks: true,
  },
});
