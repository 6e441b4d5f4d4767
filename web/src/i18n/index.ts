import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { en } from "./en";
import { zh } from "./zh";

export type UiLanguage = "en" | "zh";
export const LANGUAGES: { value: UiLanguage; label: string; locale: string }[] = [
  { value: "en", label: "English", locale: "en" },
  { value: "zh", label: "简体中文", locale: "zh-CN" },
];
const STORAGE = "weft.language";

function remembered(): string | null {
  try {
    return localStorage.getItem(STORAGE);
  } catch {
    return null;
  }
}

/** Whether somebody chose a language in this browser. */
export function hasChosenLanguage(): boolean {
  return remembered() !== null;
}

export function asUiLanguage(language: string | null | undefined): UiLanguage {
  return language?.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function initialLanguage(): UiLanguage {
  return asUiLanguage(remembered() ?? navigator.language);
}

export function localeOf(language: string): string {
  return asUiLanguage(language) === "zh" ? "zh-CN" : "en";
}

function reflect(language: string): void {
  document.documentElement.lang = localeOf(language);
}

/** Switches the language everywhere at once and remembers it in this browser. */
export async function setLanguage(language: UiLanguage): Promise<void> {
  try {
    localStorage.setItem(STORAGE, language);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  await i18next.changeLanguage(language);
}

// Texts are bundled, so the first paint already has them. Keys are flat and may contain dots:
// t("home.empty.title", { ns: … }) looks up the key "home.empty.title", not a nested object.
void i18next.use(initReactI18next).init({
  lng: initialLanguage(),
  fallbackLng: "en",
  resources: { en, zh },
  ns: Object.keys(en),
  defaultNS: "common",
  keySeparator: false,
  nsSeparator: false,
  interpolation: { escapeValue: false },
  initAsync: false,
});
reflect(i18next.language);
i18next.on("languageChanged", reflect);

export { i18next };
