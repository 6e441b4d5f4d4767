/** Whether a link leads to the very machine on which it is opened. */
export function isLoopback(link: string): boolean {
  if (!URL.canParse(link)) return false;
  const host = new URL(link).hostname;
  return (
    host === "localhost" || host.endsWith(".localhost") || /^127\./.test(host) || host === "[::1]"
  );
}
