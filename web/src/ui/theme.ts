import { createTheme, type MantineColorsTuple, type MantineThemeOverride } from "@mantine/core";
import { controls } from "./controls";

/** Ten shades around the accent; Mantine wants a full scale, the tokens decide what is shown. */
const indigo: MantineColorsTuple = [
  "#eceefd",
  "#d7dbfa",
  "#b3baf4",
  "#8f99ee",
  "#7480e6",
  "#5f6bde",
  "#4a56d2",
  "#3f4bc4",
  "#343fa8",
  "#29328a",
];

/** Greys of the light theme, from the tokens. */
const gray: MantineColorsTuple = [
  "#f8f9fb",
  "#f0f2f6",
  "#e4e7ec",
  "#dbe0e7",
  "#cdd3dc",
  "#aab2bf",
  "#606a79",
  "#4d5766",
  "#2d3440",
  "#1a1e26",
];

/** Greys of the dark theme, from the tokens. */
const dark: MantineColorsTuple = [
  "#e8ebf1",
  "#b0b8c5",
  "#8e98a7",
  "#6b7585",
  "#2b3038",
  "#262b33",
  "#1a1d23",
  "#1a1d23",
  "#121418",
  "#0c0e11",
];

export const theme: MantineThemeOverride = createTheme({
  primaryColor: "indigo",
  primaryShade: { light: 6, dark: 3 },
  colors: { indigo, gray, dark },
  fontFamily: "var(--ui)",
  fontFamilyMonospace: "var(--mono)",
  fontSizes: { xs: "11.5px", sm: "13px", md: "13px", lg: "15px", xl: "18px" },
  lineHeights: { xs: "1.4", sm: "1.45", md: "1.45", lg: "1.45", xl: "1.4" },
  spacing: { xs: "6px", sm: "8px", md: "12px", lg: "16px", xl: "24px" },
  radius: { xs: "4px", sm: "6px", md: "6px", lg: "9px", xl: "12px" },
  defaultRadius: "sm",
  headings: { fontFamily: "var(--ui)", fontWeight: "600" },
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
  autoContrast: false,
  components: controls,
});
