// Runs before the first paint so that neither the theme nor the language flashes.
(() => {
  const root = document.documentElement;
  let scheme = "auto";
  let language = "";
  try {
    scheme = localStorage.getItem("weft.theme") || "auto";
    language = localStorage.getItem("weft.language") || "";
  } catch {
    // Storage may be forbidden: the system's settings are used.
  }
  if (scheme !== "light" && scheme !== "dark") {
    scheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  root.setAttribute("data-mantine-color-scheme", scheme);
  const wanted = language || navigator.language || "en";
  root.lang = wanted.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
})();
