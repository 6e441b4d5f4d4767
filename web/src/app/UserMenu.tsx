import { Menu, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import {
  IconCheck,
  IconDeviceDesktop,
  IconLayoutGrid,
  IconLogout,
  IconMoon,
  IconSettings,
  IconSun,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { chooseLanguage, signOut, useSession } from "@/api/session";
import { asUiLanguage, LANGUAGES } from "@/i18n";
import { Avatar } from "@/ui/Avatar";
import classes from "./UserMenu.module.css";

const THEMES = [
  { value: "auto", Icon: IconDeviceDesktop },
  { value: "light", Icon: IconSun },
  { value: "dark", Icon: IconMoon },
] as const;

/** The signed-in person: theme, language, settings, sign out. */
export function UserMenu() {
  const { t } = useTranslation();
  const { user } = useSession();
  return (
    <Menu position="bottom-end" width={236}>
      <Menu.Target>
        <UnstyledButton
          className={classes.target}
          aria-label={t("menu.user")}
          data-testid="user-menu"
        >
          <Avatar name={user.name} color={user.color} size={28} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <div className={classes.who}>
          <b>{user.name}</b>
          <span>{user.email}</span>
        </div>
        <Menu.Divider />
        <Menu.Item
          component={Link}
          href="/"
          leftSection={<IconLayoutGrid size={16} stroke={1.6} />}
        >
          {t("menu.flows")}
        </Menu.Item>
        <Menu.Item
          component={Link}
          href="/settings"
          leftSection={<IconSettings size={16} stroke={1.6} />}
        >
          {t("menu.settings")}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>{t("theme.label")}</Menu.Label>
        <ThemeItems />
        <Menu.Label>{t("language.label")}</Menu.Label>
        <LanguageItems />
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconLogout size={16} stroke={1.6} />}
          onClick={() => void signOut()}
          data-testid="sign-out"
        >
          {t("menu.sign_out")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function ThemeItems() {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return THEMES.map(({ value, Icon }) => (
    <Menu.Item
      key={value}
      role="menuitemradio"
      aria-checked={colorScheme === value}
      closeMenuOnClick={false}
      leftSection={<Icon size={16} stroke={1.6} />}
      rightSection={colorScheme === value ? <IconCheck size={14} /> : null}
      onClick={() => setColorScheme(value)}
    >
      {t(`theme.${value}`)}
    </Menu.Item>
  ));
}

function LanguageItems() {
  const { i18n } = useTranslation();
  const current = asUiLanguage(i18n.language);
  return LANGUAGES.map((language) => (
    <Menu.Item
      key={language.value}
      role="menuitemradio"
      aria-checked={language.value === current}
      lang={language.locale}
      closeMenuOnClick={false}
      rightSection={language.value === current ? <IconCheck size={14} /> : null}
      onClick={() => chooseLanguage(language.value)}
    >
      {language.label}
    </Menu.Item>
  ));
}
