import { portTitle } from "@/api/catalogue";
import type { NodeSpec } from "@/api/types";
import zhPorts from "@/i18n/zh/ports";

const SHORT = 6;

/** What a port is called on a card: a word or two; what it carries is told in full elsewhere. */
export function portLabel(spec: NodeSpec | undefined, port: string, language: string): string {
  if (!language.startsWith("zh")) return port;
  const title = spec ? portTitle(spec, port, language) : port;
  // A sentence says what the port carries, not what it is called.
  if (title !== port && title.length <= SHORT && !title.endsWith("。")) return title;
  return zhPorts[port] ?? port;
}

/** What a port carries, for those who point at it: its name, and what the node says of it. */
export function portAbout(spec: NodeSpec | undefined, port: string, language: string): string {
  const label = portLabel(spec, port, language);
  if (!language.startsWith("zh")) return label;
  const texts = spec?.i18n?.zh as { port_descriptions?: Record<string, string> } | undefined;
  const about = texts?.port_descriptions?.[port]?.replace(/。$/, "");
  return about ? `${label}：${about}` : label;
}
