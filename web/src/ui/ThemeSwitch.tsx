import { ActionIcon, Tooltip, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { IconMoon, IconSun } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

/** Turns from light to dark and back. */
export function ThemeSwitch() {
  const { t } = useTranslation();
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme("light") === "dark";
  const next = dark ? t("theme.light") : t("theme.dark");
  const label = `${t("theme.label")}: ${next}`;
  return (
    <Tooltip label={label}>
      <ActionIcon
        aria-label={label}
        onClick={() => setColorScheme(dark ? "light" : "dark")}
        data-testid="theme-switch"
      >
        {dark ? <IconSun size={17} stroke={1.6} /> : <IconMoon size={17} stroke={1.6} />}
      </ActionIcon>
    </Tooltip>
  );
}
