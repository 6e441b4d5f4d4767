import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { Mark } from "@/ui/Mark";
import classes from "./Blank.module.css";
import { usePageTitle } from "./title";

export function NotFound() {
  const { t } = useTranslation();
  usePageTitle(t("notfound.title"));
  return (
    <main className={classes.blank} data-testid="not-found">
      <Mark size={32} />
      <h1>{t("notfound.title")}</h1>
      <p>{t("notfound.text")}</p>
      <div className={classes.actions}>
        <Button variant="filled" component={Link} href="/">
          {t("action.back_home")}
        </Button>
      </div>
    </main>
  );
}
