import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { IconCheck, IconCopy, IconKey, IconRefresh } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useCanEdit } from "@/canvas/hooks";
import { Confirm } from "@/ui/Confirm";
import { When } from "@/ui/When";
import { SecretDialog } from "./SecretDialog";
import classes from "./Triggers.module.css";
import { type TriggerInfo, useNewAddress } from "./triggers";

/** The address of a webhook and the secret of its senders. */
export function Webhook({ trigger, flowId }: { trigger: TriggerInfo; flowId: string }) {
  const { t } = useTranslation("triggers");
  return (
    <div className={classes.webhook}>
      {trigger.address ? (
        <Address path={trigger.address} node={trigger.node} flowId={flowId} />
      ) : (
        <p className={classes.note}>{t("address.none")}</p>
      )}
      <SecretLine trigger={trigger} flowId={flowId} />
    </div>
  );
}

interface AddressProps {
  path: string;
  node: string;
  flowId: string;
}

function Address({ path, node, flowId }: AddressProps) {
  const { t } = useTranslation("triggers");
  const clipboard = useClipboard({ timeout: 2500 });
  const renew = useNewAddress(flowId, node);
  const [asking, setAsking] = useState(false);
  const canEdit = useCanEdit();
  const address = `${window.location.origin}${path}`;
  const copy = t(clipboard.copied ? "address.copied" : "address.copy");
  return (
    <div className={classes.address}>
      <code data-testid="hook-address">{address}</code>
      <Tooltip label={copy}>
        <ActionIcon aria-label={copy} onClick={() => clipboard.copy(address)}>
          {clipboard.copied ? (
            <IconCheck size={15} stroke={1.7} />
          ) : (
            <IconCopy size={15} stroke={1.6} />
          )}
        </ActionIcon>
      </Tooltip>
      {canEdit && (
        <Tooltip label={t("address.renew")}>
          <ActionIcon aria-label={t("address.renew")} onClick={() => setAsking(true)}>
            <IconRefresh size={15} stroke={1.6} />
          </ActionIcon>
        </Tooltip>
      )}
      <Confirm
        opened={asking}
        title={t("address.renewTitle")}
        text={t("address.renewText")}
        action={t("address.renewDo")}
        onConfirm={async () => {
          await renew.mutateAsync(undefined).catch(() => undefined);
        }}
        onClose={() => setAsking(false)}
      />
    </div>
  );
}

function SecretLine({ trigger, flowId }: { trigger: TriggerInfo; flowId: string }) {
  const { t } = useTranslation("triggers");
  const [opened, setOpened] = useState(false);
  const canEdit = useCanEdit();
  const { secret } = trigger;
  if (!secret || (!secret.needed && !secret.made_at)) {
    return <p className={classes.note}>{t("secret.unsigned")}</p>;
  }
  const missing = secret.needed && !secret.made_at;
  return (
    <div className={classes.secret} data-missing={missing}>
      <span>
        {missing ? (
          t("secret.missing")
        ) : (
          <>
            {t("secret.set")} {secret.made_at && <When time={secret.made_at} />}
          </>
        )}
      </span>
      {canEdit && (
        <Button
          size="compact-sm"
          leftSection={<IconKey size={14} stroke={1.7} />}
          data-testid="set-secret"
          onClick={() => setOpened(true)}
        >
          {t(missing ? "secret.setDo" : "secret.rotate")}
        </Button>
      )}
      <SecretDialog
        opened={opened}
        onClose={() => setOpened(false)}
        flowId={flowId}
        node={trigger.node}
        first={!secret.made_at}
      />
    </div>
  );
}
