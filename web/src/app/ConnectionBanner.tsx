import { Button } from "@mantine/core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { onRecovered, tryAgain, useConnection } from "@/api/connection";
import classes from "./ConnectionBanner.module.css";
import { queryClient } from "./queryClient";

function useBrowserOnline(): boolean {
  const [online, setOnline] = useState(() => navigator.onLine);
  useEffect(() => {
    const update = () => setOnline(navigator.onLine);
    window.addEventListener("online", update);
    window.addEventListener("offline", update);
    return () => {
      window.removeEventListener("online", update);
      window.removeEventListener("offline", update);
    };
  }, []);
  return online;
}

/** Says that the server cannot be reached, only while that is so. */
export function ConnectionBanner() {
  const { t } = useTranslation();
  const status = useConnection((state) => state.status);
  const online = useBrowserOnline();
  useEffect(() => onRecovered(() => void queryClient.invalidateQueries()), []);
  // A server on this machine answers without a network: only a failed request proves otherwise.
  if (status === "up") return null;
  return (
    <div className={classes.banner} role="status" data-testid="connection-banner">
      <span className={classes.dot} aria-hidden />
      <span>{online ? t("banner.down") : t("banner.offline")}</span>
      <Button size="xs" onClick={() => void tryAgain()}>
        {t("action.retry")}
      </Button>
    </div>
  );
}
