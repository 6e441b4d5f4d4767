import { Button, Modal, Select, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Secret } from "@/app/settings/Secret";
import classes from "./Triggers.module.css";
import { useNewSecret } from "./triggers";

interface SecretDialogProps {
  opened: boolean;
  onClose: () => void;
  flowId: string;
  node: string;
  /** There is none yet, so none can live on. */
  first: boolean;
}

const KEEP = ["0", "1", "24", "168"] as const;

/** Makes or takes a secret; it is shown this once. */
export function SecretDialog({ opened, onClose, flowId, node, first }: SecretDialogProps) {
  const { t } = useTranslation(["triggers", "common"]);
  const make = useNewSecret(flowId, node);
  const [given, setGiven] = useState("");
  const [keep, setKeep] = useState<string>("24");
  const close = () => {
    onClose();
    setGiven("");
    make.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const secret = given.trim();
    make.mutate({
      ...(secret === "" ? {} : { secret }),
      keep_former_hours: first ? 0 : Number(keep),
    });
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={t(first ? "secret.setTitle" : "secret.rotateTitle")}
      size={460}
      closeButtonProps={{ "aria-label": t("action.close", { ns: "common" }) }}
    >
      {make.data ? (
        <>
          <Secret
            title={t("secret.newTitle")}
            text={t("secret.newText")}
            value={make.data.secret}
            copyLabel={t("secret.copy")}
            testId="new-secret"
          />
          <div className={classes.end}>
            <Button onClick={close}>{t("secret.done")}</Button>
          </div>
        </>
      ) : (
        <form className={classes.form} onSubmit={submit}>
          <p>{t("secret.lead")}</p>
          <TextInput
            label={t("secret.own")}
            description={t("secret.ownHint")}
            autoComplete="off"
            spellCheck={false}
            minLength={8}
            maxLength={500}
            value={given}
            onChange={(event) => setGiven(event.currentTarget.value)}
          />
          {!first && (
            <Select
              label={t("secret.keep")}
              data={KEEP.map((value) => ({ value, label: t(`secret.keep.${value}`) }))}
              value={keep}
              allowDeselect={false}
              onChange={(value) => setKeep(value ?? "0")}
            />
          )}
          <div className={classes.end}>
            <Button
              type="submit"
              variant="filled"
              loading={make.isPending}
              data-testid="make-secret"
            >
              {t(given.trim() === "" ? "secret.make" : "secret.take")}
            </Button>
          </div>
        </form>
      )}
    </Modal>
  );
}
