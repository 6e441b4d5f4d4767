import { Button, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { isId } from "@/flow/fields";

interface NewNameProps {
  label: string;
  taken: ReadonlySet<string>;
  onAdd: (name: string) => void;
}

/** Asks for a new name that expressions can use. */
export function NewName({ label, taken, onAdd }: NewNameProps) {
  const { t } = useTranslation("editor");
  const [name, setName] = useState("");
  const wrong =
    name === "" ? null : !isId(name) ? t("name.invalid") : taken.has(name) ? t("name.taken") : null;
  const add = () => {
    if (name === "" || wrong) return;
    onAdd(name);
    setName("");
  };
  return (
    <TextInput
      value={name}
      placeholder={label}
      aria-label={label}
      error={wrong}
      onChange={(event) => setName(event.currentTarget.value.trim())}
      onKeyDown={(event) => {
        if (event.key === "Enter" && !event.nativeEvent.isComposing) add();
      }}
      rightSectionWidth={60}
      rightSection={
        <Button
          size="compact-xs"
          variant="subtle"
          disabled={name === "" || wrong !== null}
          onClick={add}
          leftSection={<IconPlus size={12} stroke={2} />}
        >
          {t("name.add")}
        </Button>
      }
    />
  );
}
