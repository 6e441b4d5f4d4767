import {
  ActionIcon,
  Button,
  Checkbox,
  Drawer,
  Input,
  Loader,
  type MantineThemeOverride,
  Menu,
  Modal,
  NumberInput,
  PasswordInput,
  Popover,
  SegmentedControl,
  Select,
  Switch,
  Textarea,
  TextInput,
  Tooltip,
} from "@mantine/core";

const POP = { transitionProps: { duration: 140, transition: "pop" as const } };

interface Variant {
  variant?: string | undefined;
  color?: string | undefined;
}

/** Words on a filled button are dark in the dark theme, as its colours are light there. */
function filled({ variant, color }: Variant): Record<string, string> {
  if (variant === "filled") return { "--button-color": "var(--on-accent)" };
  if (variant !== "subtle") return {};
  if (color === "red") return { "--button-color": "var(--red)" };
  return color === "gray"
    ? { "--button-color": "var(--text-2)", "--button-hover": "var(--hover)" }
    : { "--button-color": "var(--accent)", "--button-hover": "var(--accent-soft)" };
}

function subtle({ variant, color }: Variant): Record<string, string> {
  if (variant !== "subtle" || (color !== undefined && color !== "gray")) return {};
  return { "--ai-color": "var(--text-2)", "--ai-hover": "var(--hover)" };
}

/** How Mantine's parts look here; colours and sizes come from tokens.css and mantine.css. */
export const controls: NonNullable<MantineThemeOverride["components"]> = {
  Button: Button.extend({
    defaultProps: { size: "sm", variant: "default" },
    vars: (_theme, props) => ({ root: filled(props) }),
  }),
  ActionIcon: ActionIcon.extend({
    defaultProps: { variant: "subtle", color: "gray", size: 28 },
    vars: (_theme, props) => ({ root: subtle(props) }),
  }),
  Input: Input.extend({ defaultProps: { size: "sm" } }),
  TextInput: TextInput.extend({ defaultProps: { size: "sm" } }),
  PasswordInput: PasswordInput.extend({ defaultProps: { size: "sm" } }),
  NumberInput: NumberInput.extend({ defaultProps: { size: "sm" } }),
  Textarea: Textarea.extend({ defaultProps: { size: "sm" } }),
  Select: Select.extend({
    defaultProps: { size: "sm", allowDeselect: false, comboboxProps: { shadow: "none", ...POP } },
  }),
  Switch: Switch.extend({ defaultProps: { size: "sm", withThumbIndicator: false } }),
  Checkbox: Checkbox.extend({ defaultProps: { size: "sm" } }),
  SegmentedControl: SegmentedControl.extend({ defaultProps: { size: "sm" } }),
  Menu: Menu.extend({ defaultProps: { shadow: "none", offset: 6, ...POP } }),
  Popover: Popover.extend({ defaultProps: { shadow: "none", ...POP } }),
  Tooltip: Tooltip.extend({
    defaultProps: {
      openDelay: 350,
      withArrow: false,
      offset: 6,
      transitionProps: { duration: 120, transition: "fade" },
    },
  }),
  Modal: Modal.extend({
    defaultProps: {
      centered: true,
      shadow: "none",
      radius: "lg",
      overlayProps: { backgroundOpacity: 1, color: "var(--veil)" },
      transitionProps: { duration: 140, transition: "pop" },
    },
  }),
  Drawer: Drawer.extend({ defaultProps: { shadow: "none" } }),
  Loader: Loader.extend({ defaultProps: { size: 18, type: "oval" } }),
};
