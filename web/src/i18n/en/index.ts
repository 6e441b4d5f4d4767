import called from "./called";
import common from "./common";
import editor from "./editor";
import errors from "./errors";
import files from "./files";
import form from "./form";
import home from "./home";
import runs from "./runs";
import settings from "./settings";
import sign from "./sign";
import triggers from "./triggers";

export const en = {
  called,
  common,
  editor,
  errors,
  files,
  form,
  home,
  runs,
  settings,
  sign,
  triggers,
} as const;
