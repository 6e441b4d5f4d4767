/** 由其他运行调用的运行。 */
const called = {
  show_one: "显示它调用的运行",
  show_other: "显示它调用的 {{count}} 次运行",
  hide_one: "收起它调用的运行",
  hide_other: "收起它调用的 {{count}} 次运行",
  open: "打开“{{flow}}”的第 {{number}} 次运行",
  place: "由 {{node}} 调用",
  placeIn: "由 {{node}} 在 {{place}} 中调用",
  more: "显示更多",
  none: "它调用的流程没有与你共享。",
  node: "单独的运行：",
  number: "第 {{number}} 次",
  by: "调用者：",
  caller: "{{flow}}，第 {{number}} 次运行",
  hidden: "调用它的运行没有与你共享",
  stop: "停止最外层运行",
  stopTip: "此运行是调用它的运行的一部分，会一起停止。",
  pauseTip: "暂停最外层运行，此运行是它的一部分",
  "origin.again": "重试自",
  "origin.fork": "分叉自",
  "origin.from": "接自",
  "origin.run": "第 {{number}} 次运行",
  "origin.hidden": "之前的运行",
} as const;

export default called;
