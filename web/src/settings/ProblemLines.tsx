import { Button } from "@mantine/core";
import { IconAlertTriangle, IconInfoCircle } from "@tabler/icons-react";
import type { Problem } from "@/api/types";
import { describeCoded, fixTitle } from "@/ui/errorText";
import { useForm } from "./context";
import classes from "./Form.module.css";
import { pathOf } from "./problems";

/** Problems in words, each with its fixes. */
export function ProblemLines({ problems }: { problems: readonly Problem[] }) {
  if (problems.length === 0) return null;
  return (
    <ul className={classes.problems}>
      {problems.map((problem) => (
        <ProblemLine key={`${problem.code}${JSON.stringify(problem.path)}`} problem={problem} />
      ))}
    </ul>
  );
}

/** With a capital, unless it begins with the name of a setting, which is written as it is. */
function sentence(message: string, problem: Problem): string {
  const [setting] = pathOf(problem);
  const named = setting !== undefined && message.startsWith(String(setting));
  return named ? message : message.charAt(0).toUpperCase() + message.slice(1);
}

function ProblemLine({ problem }: { problem: Problem }) {
  const { language, onFix, readOnly } = useForm();
  const { message, hint } = describeCoded(problem, language);
  const Icon = problem.severity === "info" ? IconInfoCircle : IconAlertTriangle;
  return (
    <li className={classes.problem} data-severity={problem.severity} role="alert">
      <Icon size={14} stroke={1.8} aria-hidden />
      <span className={classes.problemText}>
        {sentence(message, problem)}
        {hint && <span> {hint}</span>}
      </span>
      {onFix &&
        !readOnly &&
        (problem.fixes ?? []).map((fix) => (
          <Button
            key={fix.title}
            size="compact-xs"
            className={classes.fix ?? ""}
            onClick={() => onFix(fix)}
          >
            {fixTitle(fix, language)}
          </Button>
        ))}
    </li>
  );
}
