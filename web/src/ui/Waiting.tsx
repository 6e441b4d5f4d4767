import { Loader } from "@mantine/core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Waiting.module.css";

/** A spinner that only appears when the wait is long enough to notice. */
export function Waiting({ delay = 250 }: { delay?: number }) {
  const { t } = useTranslation();
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setVisible(true), delay);
    return () => clearTimeout(timer);
  }, [delay]);
  return (
    <div className={classes.waiting} role="status" aria-label={t("loading")}>
      {visible && <Loader />}
    </div>
  );
}
