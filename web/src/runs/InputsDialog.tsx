import { Button, Modal, Switch, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { parseValue, valueText } from "@/editor/inspector/JsonField";
import type { FlowInput, Json } from "@/flow/types";
import classes from "./InputsDialog.module.css";

export type Inputs = Readonly<Record<string, FlowInput>>;

interface InputsDialogProps {
  /** What the flow asks for; null when nobody is asked. */
  inputs: Inputs | null;
  onRun: (inputs: Record<string, Json>) => void;
  onClose: () => void;
}

/** Asks for the values of a flow's inputs before a run. */
export function InputsDialog({ inputs, onRun, onClose }: InputsDialogProps) {
  const { t } = useTranslation("editor");
  return (
    <Modal
      opened={inputs !== null}
      onClose={onClose}
      title={t("run.inputsTitle")}
      size={460}
      closeButtonProps={{ "aria-label": t("panel.close") }}
    >
      {inputs && <Form inputs={inputs} onRun={onRun} onClose={onClose} />}
    </Modal>
  );
}

interface FormProps {
  inputs: Inputs;
  onRun: (inputs: Record<string, Json>) => void;
  onClose: () => void;
}

const isText = (input: FlowInput | undefined): boolean =>
  ["Text", "Date", "File", "Html"].includes(input?.type ?? "Text");

function Form({ inputs, onRun, onClose }: FormProps) {
  const { t } = useTranslation("editor");
  const [texts, setTexts] = useState<Record<string, string>>(() =>
    Object.fromEntries(
      Object.entries(inputs).map(([name, input]) => [
        name,
        isText(input) && typeof input.default === "string"
          ? input.default
          : valueText(input.default),
      ]),
    ),
  );
  const values = (): Record<string, Json> => {
    const found: Record<string, Json> = {};
    for (const [name, input] of Object.entries(inputs)) {
      const text = texts[name] ?? "";
      if (input.type === "Bool") found[name] = text === "true";
      else if (text !== "") found[name] = isText(input) ? text : parseValue(text);
    }
    return found;
  };
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        onRun(values());
      }}
    >
      {Object.entries(inputs).map(([name, input]) => (
        <Field
          key={name}
          name={name}
          input={input}
          text={texts[name] ?? ""}
          onChange={(text) => setTexts((now) => ({ ...now, [name]: text }))}
        />
      ))}
      <div className={classes.actions}>
        <Button onClick={onClose}>{t("run.cancel")}</Button>
        <Button type="submit" variant="filled" data-testid="run-with-inputs">
          {t("run.run")}
        </Button>
      </div>
    </form>
  );
}

interface FieldProps {
  name: string;
  input: FlowInput;
  text: string;
  onChange: (text: string) => void;
}

function Field({ name, input, text, onChange }: FieldProps) {
  const shared = { label: name, description: input.description ?? "" };
  if (input.type === "Bool") {
    return (
      <Switch
        {...shared}
        checked={text === "true"}
        onChange={(event) => onChange(String(event.currentTarget.checked))}
      />
    );
  }
  const props = {
    ...shared,
    value: text,
    "data-autofocus": true,
    onChange: (event: React.ChangeEvent<HTMLInputElement & HTMLTextAreaElement>) =>
      onChange(event.currentTarget.value),
  };
  return input.type === "Json" ? (
    <Textarea {...props} autosize minRows={3} />
  ) : (
    <TextInput {...props} />
  );
}
