import {
  Button,
  PasswordInput,
  SegmentedControl,
  TextInput,
  useMantineColorScheme,
} from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { changePassword } from "@/api/accounts";
import { chooseLanguage, updateProfile, useSession } from "@/api/session";
import { asUiLanguage, LANGUAGES, type UiLanguage } from "@/i18n";
import { notify } from "@/ui/notify";
import { useErrorText } from "@/ui/useErrorText";
import { NewPassword } from "../sign/NewPassword";
import { SHORTEST_PASSWORD } from "../sign/strength";
import classes from "./Settings.module.css";

const COLORS = [
  "#c2477b",
  "#2f7f6f",
  "#4a56d2",
  "#b25a1c",
  "#7a4bc0",
  "#2a74b8",
  "#4f7a28",
  "#9a5b2e",
];

/** Name, colour, language, theme and password of the signed-in person. */
export function ProfileSection() {
  const { t } = useTranslation("settings");
  return (
    <>
      <div className={classes.intro}>
        <h2>{t("profile.title")}</h2>
        <p>{t("profile.lead")}</p>
      </div>
      <section className={classes.card}>
        <div className={classes.fields}>
          <NameField />
          <TextInput label={t("profile.email")} value={useSession().user.email} disabled />
          <ColorField />
        </div>
      </section>
      <section className={classes.card}>
        <div className={classes.fields}>
          <LanguageField />
          <ThemeField />
        </div>
      </section>
      <PasswordCard />
    </>
  );
}

function useSave() {
  const describe = useErrorText();
  return useMutation({
    mutationFn: updateProfile,
    onError: (error) => notify.problem(describe(error)),
  });
}

function NameField() {
  const { t } = useTranslation("settings");
  const { user } = useSession();
  const [name, setName] = useState(user.name);
  const save = useSave();
  function commit(): void {
    const trimmed = name.trim();
    if (!trimmed) setName(user.name);
    else if (trimmed !== user.name) save.mutate({ name: trimmed });
  }
  return (
    <TextInput
      label={t("profile.name")}
      description={save.isSuccess ? t("profile.saved") : undefined}
      inputWrapperOrder={["label", "input", "description"]}
      maxLength={100}
      value={name}
      onChange={(event) => setName(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => event.key === "Enter" && commit()}
    />
  );
}

function ColorField() {
  const { t } = useTranslation("settings");
  const { user } = useSession();
  const save = useSave();
  const colors = COLORS.includes(user.color) ? COLORS : [user.color, ...COLORS.slice(0, 7)];
  return (
    <div>
      <div className={classes.label} id="profile-color">
        {t("profile.color")}
      </div>
      <div className={classes.colors} role="radiogroup" aria-labelledby="profile-color">
        {colors.map((color, index) => (
          // biome-ignore lint/a11y/useSemanticElements: a swatch is drawn by hand
          <button
            key={color}
            type="button"
            role="radio"
            aria-checked={color === user.color}
            aria-label={t("profile.color_option", { number: index + 1 })}
            className={classes.color}
            style={{ "--c": color } as React.CSSProperties}
            onClick={() => save.mutate({ color })}
          />
        ))}
      </div>
      <p className={classes.hint}>{t("profile.color_hint")}</p>
    </div>
  );
}

function LanguageField() {
  const { t, i18n } = useTranslation("settings");
  return (
    <div>
      <div className={classes.label}>{t("profile.language")}</div>
      <SegmentedControl
        aria-label={t("profile.language")}
        value={asUiLanguage(i18n.language)}
        onChange={(value) => chooseLanguage(value as UiLanguage)}
        data={LANGUAGES.map(({ value, label }) => ({ value, label }))}
      />
    </div>
  );
}

function ThemeField() {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <div>
      <div className={classes.label}>{t("theme.label")}</div>
      <SegmentedControl
        aria-label={t("theme.label")}
        value={colorScheme}
        onChange={(value) => setColorScheme(value as "auto" | "light" | "dark")}
        data={(["auto", "light", "dark"] as const).map((value) => ({
          value,
          label: t(`theme.${value}`),
        }))}
      />
    </div>
  );
}

function PasswordCard() {
  const { t } = useTranslation("settings");
  const { t: sign } = useTranslation("sign");
  const describe = useErrorText();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const change = useMutation({
    mutationFn: () => changePassword(current, next),
    onSuccess: () => {
      setCurrent("");
      setNext("");
      notify.good({ text: t("password.changed") });
    },
    onError: (error) => notify.problem(describe(error)),
  });
  const ready = current !== "" && [...next].length >= SHORTEST_PASSWORD;
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (ready) change.mutate();
  }
  return (
    <section className={classes.card}>
      <h3>{t("password.title")}</h3>
      <p>{t("password.lead")}</p>
      <form className={classes.fields} onSubmit={submit}>
        <PasswordInput
          label={t("password.current")}
          autoComplete="current-password"
          value={current}
          visibilityToggleButtonProps={{ "aria-label": sign("password.show") }}
          onChange={(event) => setCurrent(event.currentTarget.value)}
        />
        <NewPassword label={t("password.new")} value={next} onChange={setNext} />
        <div>
          <Button type="submit" disabled={!ready} loading={change.isPending}>
            {t("password.change")}
          </Button>
        </div>
      </form>
    </section>
  );
}
