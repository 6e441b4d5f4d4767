import { Button, Menu } from "@mantine/core";
import { IconCheck, IconLanguage } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { asUiLanguage, LANGUAGES, setLanguage } from "@/i18n";

/** A small menu that switches the language, each named in itself. */
export function LanguageSwitch() {
  const { t, i18n } = useTranslation();
  const current = asUiLanguage(i18n.language);
  const label = LANGUAGES.find((language) => language.value === current)?.label;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          leftSection={<IconLanguage size={16} stroke={1.6} />}
          aria-label={`${t("language.label")}: ${label}`}
          data-testid="language-switch"
        >
          {label}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {LANGUAGES.map((language) => (
          <Menu.Item
            key={language.value}
            lang={language.locale}
            rightSection={language.value === current ? <IconCheck size={14} /> : null}
            onClick={() => void setLanguage(language.value)}
          >
            {language.label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
