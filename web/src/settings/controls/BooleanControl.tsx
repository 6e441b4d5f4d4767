import { ActionIcon, Switch, Tooltip } from "@mantine/core";
import { IconSortAscending, IconSortDescending } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { ShapedProps } from "../Control";
import { useForm } from "../context";

/** On or off. */
export function BooleanControl(props: ShapedProps) {
  const { shape, value, onChange, label, compact = false, path } = props;
  const { readOnly } = useForm();
  const checked = typeof value === "boolean" ? value : shape.schema.default === true;
  if (compact && path.at(-1) === "descending") {
    return <Direction descending={checked} disabled={readOnly} onChange={onChange} />;
  }
  return (
    <Tooltip label={label} disabled={!compact}>
      <Switch
        aria-label={label}
        checked={checked}
        disabled={readOnly}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    </Tooltip>
  );
}

interface DirectionProps {
  descending: boolean;
  disabled: boolean;
  onChange: (descending: boolean) => void;
}

function Direction({ descending, disabled, onChange }: DirectionProps) {
  const { t } = useTranslation("form");
  const label = descending ? t("sort.descending") : t("sort.ascending");
  const Icon = descending ? IconSortDescending : IconSortAscending;
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="default"
        size={30}
        aria-label={label}
        aria-pressed={descending}
        disabled={disabled}
        onClick={() => onChange(!descending)}
      >
        <Icon size={16} stroke={1.6} />
      </ActionIcon>
    </Tooltip>
  );
}
