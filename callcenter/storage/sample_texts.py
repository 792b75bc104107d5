"""What the made-up customers of the sample said and were told, by language."""

NOTES = {
    "zh": ("下午三点后方便接电话。", "只和负责人沟通。", "发票抬头为公司全称。", "对配送时间要求严格。"),
    "en": ("Prefers calls after three.", "Talks to the account owner only.", "Invoices go to head office."),
}
WRAP_UPS = {
    "zh": (
        ("RESOLVED", "已补发缺件，客户满意。"),
        ("INFORMATION", "咨询发货时间，已答复。"),
        ("FOLLOW_UP", "等仓库确认后回电。"),
        ("COMPLAINT", "反映送货延迟，已登记。"),
    ),
    "en": (
        ("RESOLVED", "Refund confirmed, customer is content."),
        ("INFORMATION", "Asked for the delivery date; told."),
        ("FOLLOW_UP", "To be called once the warehouse has answered."),
        ("COMPLAINT", "Late delivery, logged."),
    ),
}
COMPLAINTS = {
    "zh": (
        "送货迟到三天|约定周一送达，周四才到，影响开工。",
        "发票金额有误|发票比订单多出两百元，要求重开。",
        "客服态度不好|上次来电被挂断，要求道歉。",
    ),
    "en": (
        "Delivered three days late|Promised for Monday, came on Thursday; the site stood still.",
        "Invoice is wrong|It shows more than the order; a new one is wanted.",
        "Cut off twice|The last two calls ended while waiting.",
    ),
}
REASONS = {
    "zh": ("回访满意度", "确认补发到货", "跟进投诉处理", "续签合同"),
    "en": ("Ask whether all is well", "Confirm the replacement came", "Follow up the complaint", "Renewal"),
}
PROMISES = {
    "zh": ("周五前补发配件", "今天内回电答复", "重开发票并邮寄"),
    "en": ("Send the spare part by Friday", "Call back today", "Issue a new invoice"),
}
ORDER_STATES = ("paid", "shipped", "delivered", "delivered", "delivered")
