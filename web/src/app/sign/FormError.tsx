import { useErrorText } from "@/ui/useErrorText";
import classes from "./SignLayout.module.css";

/** What went wrong with the whole form, and what to do. */
export function FormError({ error }: { error: unknown }) {
  const text = useErrorText();
  if (!error) return null;
  const { message, hint } = text(error);
  return (
    <div className={classes.error} role="alert" data-testid="form-error">
      <b>{message}</b>
      {hint && <span>{hint}</span>}
    </div>
  );
}
