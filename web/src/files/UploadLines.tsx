import { ActionIcon, Button } from "@mantine/core";
import { IconFile, IconX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { inOneLine } from "@/ui/errorText";
import { useFormats } from "@/ui/format";
import { useErrorText } from "@/ui/useErrorText";
import { nameOf } from "./paths";
import classes from "./Uploads.module.css";
import { again, cancel, replace, type Upload } from "./uploads";

interface LineProps {
  upload: Upload;
  /** Takes the file that is there instead, where that makes sense. */
  onUse?: (() => void) | undefined;
}

/** One file on its way: how far it is, how to stop it, what to decide about it. */
export function UploadLine({ upload, onUse }: LineProps) {
  const { t } = useTranslation("files");
  const common = useTranslation().t;
  const { id, file, loaded, state, path } = upload;
  const name = nameOf(path);
  const share = file.size > 0 ? Math.min(1, loaded / file.size) : 0;
  const active = state === "sending" || state === "waiting";
  return (
    <div className={classes.upload} data-testid="upload" data-state={state}>
      <IconFile size={15} stroke={1.6} aria-hidden="true" />
      <div className={classes.about}>
        <span className={classes.fileName} title={path}>
          {name}
        </span>
        <Status upload={upload} />
        {active && (
          <div
            className={classes.track}
            role="progressbar"
            aria-label={t("upload.label", { name })}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={Math.round(share * 100)}
          >
            <div style={{ width: `${share * 100}%` }} />
          </div>
        )}
      </div>
      {state === "exists" && (
        <Button size="compact-sm" onClick={() => replace(id)}>
          {t("upload.replace")}
        </Button>
      )}
      {state === "exists" && onUse && (
        <Button size="compact-sm" onClick={onUse}>
          {t("upload.use")}
        </Button>
      )}
      {state === "failed" && (
        <Button size="compact-sm" onClick={() => again(id)}>
          {common("action.retry")}
        </Button>
      )}
      <ActionIcon
        size={22}
        aria-label={t(active ? "upload.cancel" : "upload.dismiss", { name })}
        onClick={() => cancel(id)}
      >
        <IconX size={14} stroke={1.8} />
      </ActionIcon>
    </div>
  );
}

function Status({ upload: { state, error, loaded, file } }: { upload: Upload }) {
  const { t } = useTranslation("files");
  const formats = useFormats();
  const errorText = useErrorText();
  if (state === "failed") {
    return (
      <span className={classes.failed} role="alert">
        {inOneLine(errorText(error))}
      </span>
    );
  }
  if (state === "exists") return <span role="alert">{t("upload.exists")}</span>;
  if (state === "waiting") return <span>{t("upload.waiting")}</span>;
  if (loaded >= file.size && file.size > 0) return <span>{t("upload.finishing")}</span>;
  return (
    <span data-tabular>
      {t("upload.sent", { done: formats.bytes(loaded), total: formats.bytes(file.size) })}
    </span>
  );
}
