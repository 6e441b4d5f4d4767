import { Button, TextInput } from "@mantine/core";
import { IconFolderPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Picker.module.css";
import { cleaned } from "./paths";

/** Names a folder, which is made with the first file in it. */
export function NewFolder(props: { onName: (name: string) => void; onClose: () => void }) {
  const { t } = useTranslation("files");
  const common = useTranslation().t;
  const [name, setName] = useState("");
  return (
    <form
      className={classes.fresh}
      onSubmit={(event) => {
        event.preventDefault();
        event.stopPropagation();
        if (cleaned(name)) props.onName(cleaned(name));
      }}
    >
      <IconFolderPlus size={17} stroke={1.6} aria-hidden="true" />
      <TextInput
        data-autofocus
        ref={(input) => input?.focus()}
        aria-label={t("folder.name")}
        placeholder={t("folder.name")}
        maxLength={255}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Button type="submit" size="compact-sm" disabled={!cleaned(name)}>
        {t("folder.go")}
      </Button>
      <Button variant="subtle" color="gray" size="compact-sm" onClick={props.onClose}>
        {common("action.cancel")}
      </Button>
    </form>
  );
}
