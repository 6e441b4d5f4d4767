import { Button } from "@mantine/core";
import { Component, type ErrorInfo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Mark } from "@/ui/Mark";
import classes from "./Blank.module.css";

interface State {
  error: Error | null;
  stack: string;
}

/** Catches what a page throws while it renders and offers a way back. */
export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null, stack: "" };

  static getDerivedStateFromError(error: Error): Partial<State> {
    return { error };
  }

  override componentDidCatch(_error: Error, info: ErrorInfo): void {
    this.setState({ stack: info.componentStack ?? "" });
  }

  override render(): ReactNode {
    const { error, stack } = this.state;
    if (!error) return this.props.children;
    return <Crash error={error} stack={stack} />;
  }
}

function Crash({ error, stack }: { error: Error; stack: string }) {
  const { t } = useTranslation();
  return (
    <main className={classes.blank} data-testid="crash">
      <Mark size={32} />
      <h1>{t("crash.title")}</h1>
      <p>{t("crash.text")}</p>
      <div className={classes.actions}>
        <Button variant="filled" onClick={() => window.location.reload()}>
          {t("action.reload")}
        </Button>
        <Button component="a" href="/">
          {t("action.back_home")}
        </Button>
      </div>
      <details className={classes.details}>
        <summary>{t("crash.details")}</summary>
        <pre>
          {`${error.name}: ${error.message}`}
          {stack}
        </pre>
      </details>
    </main>
  );
}
