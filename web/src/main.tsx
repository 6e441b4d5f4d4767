import "@mantine/core/styles.layer.css";
import "@mantine/notifications/styles.layer.css";
import "@mantine/spotlight/styles.layer.css";
import "@fontsource-variable/inter/index.css";
import "@fontsource-variable/jetbrains-mono/index.css";
import "@/ui/tokens.css";
import "@/ui/base.css";
import "@/ui/mantine.css";
import "@/i18n";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "@/app/App";
import { watchTextFields } from "@/ui/textUndo";

const RELOADED = "weft.reloaded";
const TOO_SOON = 20_000;

// After an upgrade an open page may ask for a file that is gone: the new page has it. When it
// does not, the page says so instead of loading itself again and again.
window.addEventListener("vite:preloadError", (event) => {
  const last = Number(sessionStorage.getItem(RELOADED) ?? 0);
  if (Date.now() - last < TOO_SOON) return;
  sessionStorage.setItem(RELOADED, String(Date.now()));
  event.preventDefault();
  window.location.reload();
});

watchTextFields();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
