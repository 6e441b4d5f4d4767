import type en from "../en/sign";
import type { Messages } from "../messages";

const sign: Messages<typeof en> = {
  "signin.title": "登录",
  "signin.lead": "欢迎回来。",
  "signin.expired": "登录已过期，重新登录后会回到刚才的页面。",
  "signin.email": "邮箱",
  "signin.password": "密码",
  "signin.submit": "登录",
  "signin.help": "还没有账号？请联系工作区所有者发送邀请。",
  "setup.title": "初始化 Weft",
  "setup.lead": "你是第一位用户。这个账号将拥有整个服务器和第一个工作区。",
  "setup.name": "你的名字",
  "setup.name_hint": "会显示在你的光标旁，方便他人辨认。",
  "setup.email": "邮箱",
  "setup.password": "密码",
  "setup.submit": "创建账号",
  "setup.need_link": "请打开初始化链接",
  "setup.need_link_text":
    "服务器上还没有账号。启动时终端会打印一个以 #token=… 结尾的链接，打开它即可创建第一个账号；令牌也保存在数据目录的 setup-token 文件中。",
  "setup.paste": "也可以把链接或令牌粘贴到这里",
  "setup.continue": "继续",
  "setup.done": "服务器已完成初始化",
  "join.title": "加入工作区",
  "join.lead": "{{inviter}} 邀请了 {{email}}。请为新账号设置名字和密码。",
  "join.to": "加入“{{workspace}}”",
  "join.known": "{{inviter}} 邀请了 {{email}}。该邮箱已有账号，请输入密码确认。",
  "join.submit": "加入",
  "join.missing": "邀请链接不完整",
  "join.missing_text": "请打开完整的链接，包括 # 号后面的全部内容。",
  "join.signed_in": "当前已登录为 {{name}}。请先退出登录，再以受邀者的身份打开链接。",
  "password.show": "显示密码",
  "password.hide": "隐藏密码",
  "password.too_short_other": "还差 {{count}} 个字符",
  "password.weak": "太容易被猜到：请加长，或混入其他词语",
  "password.fair": "一般：再长一点会更安全",
  "password.strong": "强度高",
  "password.hint": "至少 {{count}} 个字符，几个互不相关的词组合起来就很好。",
  "field.required": "请填写此项",
  "field.email": "邮箱格式似乎不对",
};

export default sign;
