import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { describeError, type ErrorText } from "./errorText";

/** Turns any error into words in the reader's language. */
export function useErrorText(): (error: unknown) => ErrorText {
  const { i18n } = useTranslation();
  const language = i18n.language;
  return useCallback((error) => describeError(error, language), [language]);
}
