import { IconKey, IconUser, IconUsers } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link, Redirect, useParams } from "wouter";
import { TopBar } from "../TopBar";
import { usePageTitle } from "../title";
import { KeysSection } from "./KeysSection";
import { MembersSection } from "./MembersSection";
import { ProfileSection } from "./ProfileSection";
import classes from "./Settings.module.css";

const SECTIONS = [
  { id: "profile", Icon: IconUser, Section: ProfileSection },
  { id: "members", Icon: IconUsers, Section: MembersSection },
  { id: "keys", Icon: IconKey, Section: KeysSection },
] as const;

/** One's profile, the people of the workspace, and one's keys. */
export default function SettingsPage() {
  const { t } = useTranslation("settings");
  const { section } = useParams();
  usePageTitle(t("title"));
  const current = SECTIONS.find((each) => each.id === (section ?? "profile"));
  if (!current) return <Redirect to="/settings" replace />;
  return (
    <>
      <TopBar />
      <div className={classes.page}>
        <nav className={classes.nav} aria-label={t("title")}>
          <h1>{t("title")}</h1>
          {SECTIONS.map(({ id, Icon }) => (
            <Link
              key={id}
              href={`/settings/${id}`}
              className={classes.link ?? ""}
              aria-current={id === current.id ? "page" : undefined}
            >
              <Icon size={17} stroke={1.6} />
              {t(`nav.${id}`)}
            </Link>
          ))}
        </nav>
        <main className={classes.main}>
          <current.Section />
        </main>
      </div>
    </>
  );
}
