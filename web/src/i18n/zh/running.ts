import type en from "../en/running";
import type { Messages } from "../messages";

const running: Messages<typeof en> = {
  "command.run.changed": "只运行有改动的部分",
  "command.run.debug": "调试：停在第一步",
  "command.run.without": "忽略断点运行",
  "command.run.pause": "暂停运行",
  "command.run.resume": "继续运行",
  "command.run.over": "单步跳过",
  "command.run.into": "单步进入",
  "command.run.out": "单步跳出",
  "run.pause": "暂停",
  "run.resume": "继续",
  "run.onlyNode": "只运行“{{name}}”",
  "run.env": "运行方式",
  "run.env.flow": "按流程",
  "run.env.local": "线程",
  "run.env.processes": "进程",
  "run.env.ray": "Ray",
  "run.parallelism": "最多同时进行",
  "run.automatic": "自动",
  "run.untold": "无法通知运行：{{reason}}",
};

export default running;
