/** 卡片上端口的简短名称。节点类型自带的说明较长，只用于提示。 */
const ports: Readonly<Record<string, string>> = {
  chunks: "文本块",
  documents: "文档",
  error: "错误",
  false: "否",
  file: "文件",
  in: "输入",
  input: "输入",
  inputs: "输入",
  item: "记录",
  items: "记录",
  left: "左",
  lines: "文本行",
  out: "输出",
  output: "输出",
  response: "响应",
  right: "右",
  rows: "数据行",
  text: "文本",
  true: "是",
  value: "值",
};

export default ports;
